#![no_main]

wheatstone_fuzz::serializer!(
    "template",
    [
        "template = '{{.Name | upper | trunc 9}} {{range $k, $v := .Tags}}{{$k}}={{$v | quote}},{{end}} {{range $k, $v := .Fields}}{{$k | snakecase}}={{printf \"%8.3v\" $v}} {{end}}{{.Time.Unix}}'",
        "template = '{{.Tag \"host\" | default \"none\" | b64enc}} {{.Field \"value\" | toString | sha256sum}} {{.Time | date \"2006-01-02T15:04:05Z07:00\"}} {{toJson .Fields}}'\nbatch_template = '{{len .}}{{range $i, $m := .}}{{if $i}},{{end}}{{$m.Name | repeat 3}}{{$m.Field \"value\" | int64 | add 1 | mul 3}}{{end}}'",
        "template = '{{.Name | splitList \"a\" | join \"-\" | wrap 5}} {{.Name | regexReplaceAll \"[a-c]+\" \"${1}x\"}} {{.Fields | keys | sortAlpha | first}} {{.Name | abbrev 5 | camelcase | kebabcase | title | swapcase | initials}} {{.Field \"count\" | toString | atoi}} {{.Field \"sum\" | float64 | round 2}}'",
    ]
);
