{{ current_rows('marketing', 'ad_spend') }}
