"""Who somebody is, wherever they live: did:key, person records, certificates, recovery phrase."""
