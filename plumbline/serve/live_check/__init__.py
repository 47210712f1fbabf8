"""The check beside a service: within minutes, whether what comes and what is answered is still what the bundle was made on."""
