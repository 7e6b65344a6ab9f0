"""Known leaks: made by rule or labelled by people, planted to measure what an audit finds."""
