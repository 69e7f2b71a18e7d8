//! What joins plugins: inputs, processors, aggregators, outputs.
