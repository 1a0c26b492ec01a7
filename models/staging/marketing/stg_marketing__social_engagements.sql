{{ current_rows('marketing', 'social_engagements') }}
