{{ typed_once('marketing', 'social_engagements') }}
