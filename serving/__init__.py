"""The endpoint that a CRM calls. It answers from the published batch by the same kernel."""
