{{ affected_by("stg_offer_redemptions_versions") }} {{ current_rows(ref("stg_offer_redemptions_versions")) }}
