"""Networks that know the sounds of English, made by `wakeword pretrain`."""
