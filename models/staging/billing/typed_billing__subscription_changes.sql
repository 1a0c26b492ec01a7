{{ typed_once('billing', 'subscription_changes') }}
