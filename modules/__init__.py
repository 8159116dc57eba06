"""The domain of KSMP, one plug-in a folder, each built on `gateway.contract` alone."""
