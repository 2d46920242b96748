//! The layer table: path, layer, output shape, parameters, multiply-adds, activation bytes and receptive field.
