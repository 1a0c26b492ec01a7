{{ typed_once('marketing', 'ad_spend') }}
