//! The plugins that are linked in: one line per crate. Without its line a crate is silently absent.

#[cfg(feature = "aggregators")]
use wheatstone_aggregators as _;
#[cfg(feature = "mqtt_consumer")]
use wheatstone_input_mqtt_consumer as _;
#[cfg(feature = "inputs")]
use wheatstone_inputs as _;
#[cfg(feature = "file")]
use wheatstone_output_file as _;
#[cfg(feature = "influxdb")]
use wheatstone_output_influxdb as _;
#[cfg(feature = "influxdb_v2")]
use wheatstone_output_influxdb_v2 as _;
#[cfg(feature = "mongodb")]
use wheatstone_output_mongodb as _;
#[cfg(feature = "outputs")]
use wheatstone_outputs as _;
#[cfg(feature = "avro")]
use wheatstone_parser_avro as _;
#[cfg(feature = "collectd")]
use wheatstone_parser_collectd as _;
#[cfg(feature = "parquet")]
use wheatstone_parser_parquet as _;
#[cfg(feature = "xpath")]
use wheatstone_parser_xpath as _;
use wheatstone_parsers as _;
#[cfg(feature = "processors")]
use wheatstone_processors as _;
#[cfg(feature = "secretstores")]
use wheatstone_secretstore_googlecloud as _;
#[cfg(feature = "secretstores")]
use wheatstone_secretstore_http as _;
#[cfg(feature = "secretstores")]
use wheatstone_secretstore_jose as _;
#[cfg(feature = "secretstores")]
use wheatstone_secretstore_oauth2 as _;
#[cfg(feature = "secretstores")]
use wheatstone_secretstore_os as _;
#[cfg(feature = "secretstores")]
use wheatstone_secretstore_vault as _;
#[cfg(feature = "secretstores")]
use wheatstone_secretstores as _;
use wheatstone_serializers as _;
