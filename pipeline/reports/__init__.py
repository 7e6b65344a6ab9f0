"""What a run says of itself: funnel, report page, data card. Everything is read from the manifest."""
