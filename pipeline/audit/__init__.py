"""What an audit run does: a corpus in, findings out, part by part and resumable.

What a leak is and how it is found is `audits`; here are the passes over a corpus, what is written,
and the order of it all (`pipeline.audit.run`).
"""
