"""Google's SDK against the stand-in for FCM."""
