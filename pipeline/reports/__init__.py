"""What a run says of itself: the funnel, the data card. Everything is read from the manifest."""
