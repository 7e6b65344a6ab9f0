"""Programs that turn a made text into a PDF, one a file. Each has ``produce(made, layout, out)``."""
