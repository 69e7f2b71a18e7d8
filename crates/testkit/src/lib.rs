//! Real servers, a fault proxy and single plugins for tests.
