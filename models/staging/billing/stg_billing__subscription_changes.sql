{{ current_rows('billing', 'subscription_changes') }}
