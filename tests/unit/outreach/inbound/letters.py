"""Mails as servers and people write them. `{id}`: the Message-ID that they are about."""

from __future__ import annotations

OURS = "<m1@ours.example>"

ANSWER = """\
Return-Path: <ann@example.org>
From: Ann Acme <Ann@Example.org>
To: care@ours.example
Subject: Re: Hello
Message-ID: <r1@example.org>
In-Reply-To: {id}
References: <older@example.org> {id}
Content-Type: text/plain; charset=utf-8

{text}

On Tue, 1 Jul 2026 at 08:00, Ines wrote:
> How is it going?
"""

# Postfix's shape (RFC 3464 with the original's headers).
BOUNCE = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: care@ours.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <b1@mx.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="9B095B5.1/mx"

--9B095B5.1/mx
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--9B095B5.1/mx
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Wed,  1 Jul 2026 08:00:00 +0000 (UTC)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {told} <{to}>: no

--9B095B5.1/mx
Content-Type: text/rfc822-headers

From: care@ours.example
To: {to}
Message-ID: {id}
Subject: Hello

--9B095B5.1/mx--
"""

# RFC 5965, appendix B.2.
COMPLAINT = """\
From: <abusedesk@example.com>
To: <abuse@example.net>
Subject: FW: Hello
Message-ID: <c1@example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
 boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <redacted@example.com>

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

From: <care@ours.example>
Received: from mailserver.example.net by example.com
To: <redacted@example.com>
Subject: Hello
Message-ID: {id}

How is it going?
--part1_13d.2e68ed54_boundary--
"""

# cr.yp.to/proto/qsbmf.txt
QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@heaven.af.mil
To: care@ours.example
Subject: failure notice
Message-ID: <q1@heaven.af.mil>

Hi. This is the qmail-send program at heaven.af.mil.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{to}>:
Sorry, no mailbox here by that name. {status}

--- Below this line is a copy of the message.

From: care@ours.example
Message-ID: {id}

How is it going?
"""

EXIM = """\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@old.example.org>
To: care@ours.example
X-Failed-Recipients: {to}
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1@old.example.org>

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {to}
    unrouteable address

------ This is a copy of the message, including all the headers. ------

Message-ID: {id}
"""


def mail(source: str, **words: str) -> bytes:
    """One of the above as it is transferred."""
    usual = {"id": OURS, "to": "ann@example.org", "action": "failed", "status": "5.1.1",
             "told": "5.1.1", "text": "All is well, thank you.", "kind": "abuse"}  # fmt: skip
    return source.format(**(usual | words)).replace("\n", "\r\n").encode()


def answer(text: str = "All is well, thank you.", /, **headers: str) -> bytes:
    """An answer with more or other headers (`_` for `-`)."""
    lines = ANSWER.split("\n")
    for name, value in headers.items():
        header = name.replace("_", "-")
        lines = [line for line in lines if not line.lower().startswith(f"{header.lower()}:")]
        lines.insert(0, f"{header}: {value}")
    return mail("\n".join(lines), text=text)
