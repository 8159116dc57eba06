-- Whoever follows the archive reads one kind of room after a seq.
CREATE INDEX room_push_kind ON room_push (split_part(room, ':', 1), seq);
