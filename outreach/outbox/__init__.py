"""The outbox: each message is claimed, sent and marked, so that none is lost and none goes twice.

queued ─claim─▶ sending ─▶ sent · queued again · parked · withdrawn
                    └─ its sender died ─▶ in_doubt, for a person to settle
"""
