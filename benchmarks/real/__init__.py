"""How often ttsdoc is right on labelled logs of strangers: labels and addresses are here, the logs are not."""
