"""The settings of e-mail, `KSMP_NOTIFY_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """E-mail, by Amazon SES. Without a sender there is none."""

    mail_from: str = setting("", doc="Sender of mails, `KSMP <no-reply@example.org>`; empty turns e-mail off")
    mail_reply_to: str = setting("", doc="Where answers to mails go; empty is the sender")
    app_url: str = setting("", doc="Where the app is: links of notifications begin with it", https=True)
    public_url: str = setting("", doc="Where the gateways are for people: the links that stop mails", https=True)
    mail_configuration_set: str = setting("", doc="Configuration set of SES whose events go to KSMP_NOTIFY_MAIL_QUEUE")
    mail_queue: str = setting("", doc="SQS queue of the events of SES, by name or URL; empty means nobody hears them")
    mail_rate: int = setting(14, doc="Mails a second, of all gateways together: what SES grants the account")
    mail_at_once: int = setting(10, doc="Most calls of SES that a gateway has under way")
    mail_timeout: float = setting(10.0, doc="How long one call of SES may take")
    mail_unknown_wait: float = setting(900.0, doc="A mail that SES told nothing of for so long is sent again")
