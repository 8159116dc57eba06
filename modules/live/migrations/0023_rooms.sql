-- Those that are up are looked for every few seconds; of sessions that are over nobody needs to be told.
UPDATE live_hand SET state = 'lowered' FROM live_session
WHERE session_id = id AND live_session.state IN ('ended', 'cancelled') AND live_hand.state <> 'lowered';
CREATE INDEX live_hand_up ON live_hand (session_id, user_id) WHERE state <> 'lowered';
