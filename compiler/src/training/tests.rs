//! Steps of small networks.
