{{ base_rows('marketing', 'social_engagements') }}
