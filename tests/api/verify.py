"""Verifies a delivery by the reference library of Standard Webhooks: node gives it, with the secrets that must do."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

sent = json.loads(sys.argv[1])
for secret in sent["secrets"]:
    assert Webhook(secret).verify(sent["body"], sent["headers"])["type"] == "webhook.test"
    try:
        Webhook(secret).verify(sent["body"] + " ", sent["headers"])
    except WebhookVerificationError:
        continue
    raise SystemExit("a changed body was verified")
print(f"standardwebhooks verifies {sent['headers']['webhook-id']} by {len(sent['secrets'])} secrets")
