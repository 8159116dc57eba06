-- Who is kicked or banned is a guest no more: they knock again when they are let in.
DELETE FROM live_guest WHERE EXISTS (
    SELECT FROM live_ban JOIN live_session AS session ON session.id = live_guest.session_id
    WHERE live_ban.user_id = live_guest.user_id AND (
        live_ban.session_id = session.id OR (live_ban.scope = 'program' AND live_ban.program_id = session.program_id)
    )
);
