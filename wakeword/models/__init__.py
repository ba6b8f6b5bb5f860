"""The model files that ship with the package; see wakeword.model.bundled_models."""
