//! TLS options, HTTP clients and addresses as Telegraf's plugins share them.
