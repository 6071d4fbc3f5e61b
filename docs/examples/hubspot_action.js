// HubSpot workflow, action *Custom code* (Node.js): the score of the enrolled contact.
// Secret: WARMLINE_KEY. Property to include in code: customer_id. Outputs, all of type string or
// number as HubSpot asks: status, churn_probability, band, reason_1, reason_2, reason_3, why.
// Run under node by tests/functional/test_callers.py.

const URL = 'https://scores.example.com/score/one?system=hubspot&id_field=customer_id';
const OUTPUTS = ['status', 'churn_probability', 'band', 'reason_1', 'reason_2', 'reason_3', 'why'];

exports.main = async (event, callback) => {
  const answer = await fetch(URL, {
    method: 'POST',
    headers: {
      'Authorization': `Bearer ${process.env.WARMLINE_KEY}`,
      'Content-Type': 'application/json',
      // HubSpot ends an action after 20 s: an answer that comes later helps nobody.
      'X-Request-Deadline-Ms': '10000',
    },
    body: JSON.stringify({ customer_id: event.inputFields.customer_id || String(event.object.objectId) }),
    signal: AbortSignal.timeout(12000),
  });
  const told = await answer.json();
  if (answer.status === 429 || answer.status >= 500) {
    // The action fails, which HubSpot shows and, for these, may repeat.
    throw new Error(`${answer.status}: ${told.detail}`);
  }
  if (!answer.ok) {
    return callback({ outputFields: { status: 'refused', why: told.detail } });
  }
  return callback({ outputFields: Object.fromEntries(OUTPUTS.map((name) => [name, told[name]])) });
};
