use proptest::prelude::*;

use super::*;

fn migrated(text: &str) -> Migrated {
    migrate(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The lines that hold something, without their indents.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).collect()
}

#[test]
fn as_many_as_telegraf_has() {
    assert_eq!(MIGRATIONS, (3, 17, 39));
}

#[test]
fn what_is_not_deprecated_stays_to_the_letter() {
    let text = "# top\n\n[agent] # a\n  interval = \"5s\"\n\n# mine\n[[inputs.mqtt_consumer]]\n\ttopics = ['a'] # é\n  metric_buffer = 5\n\n# theirs\n## both\n[[outputs.file]]\r\n  files = [\"stdout\"]\n\n[wheatstone.dead_letter]\n  directory = 'x'";
    let done = migrated(text);
    assert_eq!(done.applied, 1);
    assert_eq!(
        done.text,
        text.replace(
            "# mine\n[[inputs.mqtt_consumer]]\n\ttopics = ['a'] # é\n  metric_buffer = 5\n",
            "[[inputs.mqtt_consumer]]\n  topics = [\"a\"]\n"
        )
    );
    let none = migrated("[agent]\n  x = 1\n[[inputs.cpu]]\n");
    assert_eq!(
        (none.applied, none.text.as_str()),
        (0, "[agent]\n  x = 1\n[[inputs.cpu]]\n")
    );
}

#[test]
fn options_are_replaced() {
    for (old, new) in [
        (
            "[[outputs.influxdb]]\n url='a'\n urls=['b','a']\n precision='s'",
            vec!["[[outputs.influxdb]]", "urls = [\"b\", \"a\"]"],
        ),
        (
            "[[inputs.disk]]\n mountpoints=['/','/b']\n mount_points=['/']",
            vec!["[[inputs.disk]]", "mount_points = [\"/\", \"/b\"]"],
        ),
        (
            "[[inputs.tail]]\n from_beginning=true",
            vec!["[[inputs.tail]]", "initial_read_offset = \"beginning\""],
        ),
        (
            "[[inputs.http_listener_v2]]\n port=80\n path='/t'",
            vec![
                "[[inputs.http_listener_v2]]",
                "paths = [\"/t\"]",
                "service_address = \"tcp://:80\"",
            ],
        ),
        (
            "[[inputs.http_listener_v2]]\n port=80\n service_address='tcp://h'",
            vec!["[[inputs.http_listener_v2]]", "service_address = \"tcp://h:80\""],
        ),
        (
            "[[inputs.docker]]\n perdevice=true\n total=false\n total_include=['cpu','blkio']",
            vec![
                "[[inputs.docker]]",
                "perdevice_include = [\"cpu\", \"network\", \"blkio\"]",
                "total_include = [\"cpu\"]",
            ],
        ),
        (
            "[[outputs.mqtt]]\n topic_prefix='p'\n topic='t'",
            vec!["[[outputs.mqtt]]", "topic = \"p/t\""],
        ),
        (
            "[[inputs.kafka_consumer]]\n connection_strategy='defer'",
            vec!["[[inputs.kafka_consumer]]", "startup_error_behavior = \"retry\""],
        ),
        (
            "[[inputs.rabbitmq]]\n name='n'\n queues=['q']",
            vec![
                "[[inputs.rabbitmq]]",
                "queue_name_include = [\"q\"]",
                "[inputs.rabbitmq.tags]",
                "name = \"n\"",
            ],
        ),
        (
            "[[inputs.gnmi]]\n enable_tls=true\n guess_path_tag=true",
            vec![
                "[[inputs.gnmi]]",
                "path_guessing_strategy = \"common path\"",
                "tls_enable = true",
            ],
        ),
        (
            "[[inputs.procstat]]\n pid_tag=true\n cmdline_tag=false",
            vec!["[[inputs.procstat]]", "tag_with = [\"pid\"]"],
        ),
        (
            "[[inputs.sqlserver]]\n azuredb=true\n query_version=2",
            vec!["[[inputs.sqlserver]]", "database_type = \"AzureSQLDB\""],
        ),
        (
            "[[inputs.ntpq]]\n dns_lookup=false",
            vec!["[[inputs.ntpq]]", "options = \"-p -n\""],
        ),
        (
            "[[outputs.kinesis]]\n partitionkey='k'",
            vec![
                "[[outputs.kinesis]]",
                "[outputs.kinesis.partition]",
                "key = \"k\"",
                "method = \"static\"",
            ],
        ),
        (
            "[[processors.x]]\n pass=['a']\n drop=['b']\n fieldinclude=['a','c']",
            vec![
                "[[processors.x]]",
                "fieldexclude = [\"b\"]",
                "fieldinclude = [\"a\", \"c\"]",
            ],
        ),
        (
            "[[outputs.y]]\n ssl_ca='x'",
            vec!["[[outputs.y]]", "tls_ca = \"x\""],
        ),
        (
            "[agent]\n logtarget='stderr'\n logfile='x'\n debug=true",
            vec!["[agent]", "debug = true"],
        ),
        (
            "[agent]\n logtarget='file'\n logfile='x'",
            vec!["[agent]", "logfile = \"x\""],
        ),
    ] {
        let done = migrated(old);
        assert!(done.applied > 0, "{old}");
        assert_eq!(lines(&done.text), new, "{old}");
        assert_eq!(migrated(&done.text).applied, 0, "{old} is done at once");
    }
}

#[test]
fn plugins_are_replaced() {
    for (old, new) in [
        (
            "[[inputs.io]]\n devices=['sda']",
            vec!["[[inputs.diskio]]", "devices = [\"sda\"]"],
        ),
        ("[[inputs.io]]", vec!["[[inputs.diskio]]"]),
        (
            "[[inputs.http_listener]]\n service_address=':1'",
            vec!["[[inputs.influxdb_listener]]", "service_address = \":1\""],
        ),
        (
            "[[inputs.httpjson]]\n servers=['http://h/?z=1']\n name='n'\n fieldpass=['f']\n [inputs.httpjson.parameters]\n  'a b'='c&d'",
            vec![
                "[[inputs.http]]",
                "data_format = \"json\"",
                "fieldinclude = [\"f\"]",
                "name_override = \"n\"",
                "urls = [\"http://h/?a+b=c%26d&z=1\"]",
            ],
        ),
        (
            "[[inputs.udp_listener]]\n service_address=':8'\n udp_packet_size=1\n udp_buffer_size=2",
            vec![
                "[[inputs.socket_listener]]",
                "read_buffer_size = 2",
                "service_address = \"udp://:8\"",
            ],
        ),
        (
            "[[inputs.logparser]]\n files=['f']\n [inputs.logparser.grok]\n  patterns=['p']\n  measurement='m'",
            vec![
                "[[inputs.tail]]",
                "data_format = \"grok\"",
                "files = [\"f\"]",
                "grok_patterns = [\"p\"]",
                "initial_read_offset = \"saved-or-end\"",
                "name_override = \"m\"",
            ],
        ),
        (
            "[[outputs.amqp]]\n database='d'\n url='u'",
            vec![
                "[[outputs.amqp]]",
                "brokers = [\"u\"]",
                "[outputs.amqp.headers]",
                "database = \"d\"",
            ],
        ),
        (
            "[[outputs.riemann_legacy]]\n url='h:1'\n transport='udp'\n separator=' '",
            vec!["[[outputs.riemann]]", "separator = \" \"", "url = \"udp://h:1\""],
        ),
        (
            "[[inputs.cassandra]]\n servers=['u:p@h:1', ':2']\n metrics=['/java.lang:type=Memory/Heap']",
            vec![
                "[[inputs.jolokia2_agent]]",
                "name_prefix = \"java\"",
                "password = \"p\"",
                "urls = [\"http://h:1\"]",
                "username = \"u\"",
                "[[inputs.jolokia2_agent.metric]]",
                "mbean = \"java.lang:type=Memory/Heap\"",
                "name = \"Memory\"",
                "[[inputs.jolokia2_agent]]",
                "name_prefix = \"java\"",
                "urls = [\"http://localhost:2\"]",
                "[[inputs.jolokia2_agent.metric]]",
                "mbean = \"java.lang:type=Memory/Heap\"",
                "name = \"Memory\"",
            ],
        ),
    ] {
        let done = migrated(old);
        assert_eq!((done.applied, lines(&done.text)), (1, new), "{old}");
    }
    let gone = migrated("[[outputs.amon]]\n a=1\n[[outputs.file]]\n");
    assert_eq!(gone.text, "[[outputs.file]]\n");
    assert!(gone.notes[0].starts_with("Plugin \"outputs.amon\" in line 1: this plugin cannot be migrated"));
}

#[test]
fn contradictions_are_errors() {
    for (text, error) in [
        (
            "\n[[inputs.consul]]\n datacentre='a'\n datacenter='b'",
            "migrating \"inputs.consul\" (line 2) failed: contradicting setting for 'datacentre' and 'datacenter'",
        ),
        (
            "[[inputs.disk]]\n mountpoints='x'",
            "migrating \"inputs.disk\" (line 1) failed: unexpected type string for 'mountpoints'",
        ),
        (
            "[agent]\n logtarget='eventlog'\n logformat='text'",
            "migrating \"agent\" (line 1) failed: contradicting setting for 'logtarget' and 'logformat'",
        ),
        ("[agent\n", "parsing failed: line 2: invalid TOML syntax"),
        ("# nothing\n", "no TOML configuration found"),
    ] {
        assert_eq!(migrate(text).unwrap_err(), error, "{text}");
    }
}

proptest! {
    /// Whatever the options hold, they are replaced or refused, and what comes out can be read.
    #[test]
    fn any_value_is_migrated_or_refused(
        plugin in "inputs\\.(cassandra|docker|gnmi|httpjson|http_listener_v2|jolokia|logparser|ntpq|procstat|rabbitmq|tail|udp_listener)|outputs\\.(amqp|kinesis|mqtt|wavefront|riemann_legacy)",
        key in "url|urls|servers|metrics|perdevice|total_include|port|path|service_address|grok|name|queues|tags|topic|topic_prefix|host|partitionkey|partition|fieldpass|pass|ssl_ca|from_beginning|headers|database|proxy",
        value in "'[a-z:/@,=?]{0,12}'|[0-9]{1,5}|true|false|\\['[a-z:=/,]{0,9}'\\]|\\{a = 'b'\\}|\\[\\{mbean = 'a/b'\\}\\]|1\\.5",
    ) {
        if let Ok(done) = migrate(&format!("[[{plugin}]]\n{key} = {value}\n")) {
            let (_, faults) = parse::parse(&text::remove_comments(&done.text), 0);
            prop_assert!(faults.is_empty(), "{}", done.text);
        }
    }
}
