-- A database of schema 0001, as `sqlite3 bot.db .dump` gives it.
BEGIN TRANSACTION;
CREATE TABLE accounts (
	account_id VARCHAR NOT NULL, 
	facts TEXT NOT NULL, 
	read_at BIGINT NOT NULL, 
	token_id BIGINT, 
	PRIMARY KEY (account_id)
);
INSERT INTO "accounts" VALUES('123456','{"id": "123456", "name": "Jane Doe", "user_id": "123456", "anonymous": false, "avatar_url": null, "expires_at": "2026-01-21T12:00:00+00:00", "issued_at": "2025-12-22T12:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1768262400000,1);
INSERT INTO "accounts" VALUES('234567','{"id": "234567", "name": "Sam Reed", "user_id": "234567", "anonymous": false, "avatar_url": null, "expires_at": "2026-02-12T00:00:00+00:00", "issued_at": "2026-01-13T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1768262400000,6);
INSERT INTO "accounts" VALUES('345678','{"id": "345678", "name": "J\u00fcrgen \ud83e\udd8a ''x''; --", "user_id": "345678", "anonymous": false, "avatar_url": null, "expires_at": "2025-11-22T00:00:00+00:00", "issued_at": "2025-10-23T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1768262400000,3);
INSERT INTO "accounts" VALUES('a/b c','{"id": "a/b c", "name": "Odd", "user_id": "a/b c", "anonymous": false, "avatar_url": null, "expires_at": "2026-01-31T00:00:00+00:00", "issued_at": "2026-01-01T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": "Session refresh failed"}',1768262400000,4);
INSERT INTO "accounts" VALUES('456789','{"id": "456789", "name": "Gone Girl", "user_id": "456789", "anonymous": false, "avatar_url": null, "expires_at": "2026-01-26T00:00:00+00:00", "issued_at": "2025-12-27T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1767960000000,5);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE deliveries (
	id INTEGER NOT NULL, 
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	account_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	ref BIGINT NOT NULL, 
	step INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	due_at BIGINT NOT NULL, 
	is_late BOOLEAN NOT NULL, 
	message_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (guild_id, channel_id, account_id, kind, ref, step), 
	FOREIGN KEY(message_id) REFERENCES messages (id)
);
INSERT INTO "deliveries" VALUES(1,1200000000000000001,1456074443980800008,'234567','step',2,14,'sent',1767225600000,0,1);
INSERT INTO "deliveries" VALUES(2,1200000000000000001,1456074443980800008,'345678','step',3,1,'covered',1767225600000,0,NULL);
INSERT INTO "deliveries" VALUES(3,1200000000000000001,1456074443980800008,'345678','step',3,3,'covered',1767225600000,0,NULL);
INSERT INTO "deliveries" VALUES(4,1200000000000000001,1456074443980800008,'345678','step',3,14,'covered',1767225600000,0,NULL);
INSERT INTO "deliveries" VALUES(5,1200000000000000001,1456074443980800008,'345678','step',3,7,'covered',1767225600000,0,NULL);
INSERT INTO "deliveries" VALUES(6,1200000000000000001,1456074443980800008,'345678','step',3,0,'sent',1767225600000,0,1);
INSERT INTO "deliveries" VALUES(8,1200000000000000001,1456074443980800008,'234567','step',2,7,'sent',1767398400000,0,2);
INSERT INTO "deliveries" VALUES(9,1200000000000000001,1456074443980800008,'a/b c','error',1,0,'sent',1767700800000,0,5);
INSERT INTO "deliveries" VALUES(10,1200000000000000001,1456074443980800011,'a/b c','error',1,0,'sent',1767700800000,0,4);
INSERT INTO "deliveries" VALUES(11,1200000000000000001,1456074443980800008,'234567','step',2,3,'sent',1767744000000,0,7);
INSERT INTO "deliveries" VALUES(12,1200000000000000001,1456074443980800008,'123456','step',1,14,'sent',1767787200000,0,8);
INSERT INTO "deliveries" VALUES(13,1200000000000000001,1456074443980800012,'123456','step',1,14,'pending',1767787200000,0,NULL);
INSERT INTO "deliveries" VALUES(14,1200000000000000001,1456074443980800008,'234567','renewed',2,0,'sent',1767830400000,0,10);
INSERT INTO "deliveries" VALUES(15,1200000000000000001,1456074443980800008,'456789','gone',1,0,'sent',1768089600000,0,11);
INSERT INTO "deliveries" VALUES(16,1200000000000000001,1456074443980800011,'123456','step',1,10,'sent',1768132800000,0,13);
INSERT INTO "deliveries" VALUES(17,1200000000000000001,1456074443980800008,'456789','step',5,14,'sent',1768176000000,0,15);
INSERT INTO "deliveries" VALUES(18,1200000000000000001,1456074443980800008,'123456','step',1,1,'sending',1768262400000,0,16);
CREATE TABLE leases (
	name VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	epoch BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "leases" VALUES('passes','305f60b1777399d6',1,1795324061);
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	nonce VARCHAR NOT NULL, 
	payload TEXT NOT NULL, 
	state VARCHAR NOT NULL, 
	epoch BIGINT NOT NULL, 
	first_try_at BIGINT NOT NULL, 
	next_try_at BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	discord_id BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (nonce)
);
INSERT INTO "messages" VALUES(1,1200000000000000001,1456074443980800008,'f9356367fd931d9c42880945','{"content": "\u23f0 2 MiniMax logins: Sam Reed (234567) expires in 9 days; J\u00fcrgen \ud83e\udd8a ''x''; -- (345678) expired 40 days ago. <@&1456074443980800013>", "embeds": [{"footer": {"text": "Read from useapi.net"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1768003200:f> (<t:1768003200:R>)\n\u25b0\u25b0\u25b0\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1 30% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`234567`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1765411200:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 3055195, "timestamp": "2026-01-01T00:00:00+00:00", "type": "rich", "description": "\ud83d\udfe2 **Healthy.** The login expires <t:1768003200:R>.\nVideo jobs of this account stop at <t:1768003200:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Sam Reed"}, {"footer": {"text": "Read from useapi.net \u00b7 f9356367"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1763769600:f> (<t:1763769600:R>)\n\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1 0% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`345678`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1761177600:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 13183530, "timestamp": "2026-01-01T00:00:00+00:00", "type": "rich", "description": "\ud83d\udd34 **Expired** <t:1763769600:R>. Jobs of this account fail until the login is renewed.\nVideo jobs of this account stopped at <t:1763769600:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "J\u00fcrgen \ud83e\udd8a ''x''; --"}], "roles": [1456074443980800013]}','sent',1,1767225600000,1767225600000,1,1456074443980800024);
INSERT INTO "messages" VALUES(2,1200000000000000001,1456074443980800008,'2a521bbc0cdef68ff0d23705','{"content": "\u23f0 MiniMax login Sam Reed (234567) expires in 7 days. <@&1456074443980800013>", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 2a521bbc"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1768003200:f> (<t:1768003200:R>)\n\u25b0\u25b0\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1 23% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`234567`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1765411200:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 14721280, "timestamp": "2026-01-03T00:00:00+00:00", "type": "rich", "description": "\ud83d\udfe1 **Expiring.** The login expires <t:1768003200:R>. Renew it before then.\nVideo jobs of this account stop at <t:1768003200:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Sam Reed"}], "roles": [1456074443980800013]}','sent',1,1767398400000,1767398400000,1,1456799219712000000);
INSERT INTO "messages" VALUES(4,1200000000000000001,1456074443980800011,'99848fe9d9aea8f7329f33c3','{"content": "\ud83d\udd34 MiniMax login Odd (a/b c) is in error.", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 99848fe9"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1769817600:f> (<t:1769817600:R>)\n\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b1\u25b1 82% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`a/b c`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1767225600:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 13183530, "timestamp": "2026-01-06T12:00:00+00:00", "type": "rich", "description": "\ud83d\udd34 **In error:** Session refresh failed\nIf it stays, renew the login.\nVideo jobs of this account stop at <t:1769817600:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Odd"}], "roles": []}','sent',1,1767700800000,1767700800000,1,1458067577241600000);
INSERT INTO "messages" VALUES(5,1200000000000000001,1456074443980800008,'b67e767e19224e77234840c1','{"content": "\ud83d\udd34 MiniMax login Odd (a/b c) is in error. <@&1456074443980800013>", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 b67e767e"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1769817600:f> (<t:1769817600:R>)\n\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b1\u25b1 82% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`a/b c`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1767225600:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 13183530, "timestamp": "2026-01-06T12:00:00+00:00", "type": "rich", "description": "\ud83d\udd34 **In error:** Session refresh failed\nIf it stays, renew the login.\nVideo jobs of this account stop at <t:1769817600:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Odd"}], "roles": [1456074443980800013]}','sent',1,1767700800000,1767700800000,1,1458067577241600001);
INSERT INTO "messages" VALUES(7,1200000000000000001,1456074443980800008,'91e8925ef91a49c797dd7503','{"content": "\u23f0 MiniMax login Sam Reed (234567) expires in 3 days. <@&1456074443980800013>", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 91e8925e"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1768003200:f> (<t:1768003200:R>)\n\u25b0\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1 10% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`234567`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1765411200:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 14721280, "timestamp": "2026-01-07T00:00:00+00:00", "type": "rich", "description": "\ud83d\udfe1 **Expiring.** The login expires <t:1768003200:R>. Renew it before then.\nVideo jobs of this account stop at <t:1768003200:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Sam Reed"}], "roles": [1456074443980800013]}','sent',1,1767744000000,1767744000000,1,1458248771174400000);
INSERT INTO "messages" VALUES(8,1200000000000000001,1456074443980800008,'bd68f04870ec38d57b2e2a24','{"content": "\u23f0 MiniMax login Jane Doe (123456) expires in 14 days. <@&1456074443980800013>", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 bd68f048"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1768996800:f> (<t:1768996800:R>)\n\u25b0\u25b0\u25b0\u25b0\u25b0\u25b1\u25b1\u25b1\u25b1\u25b1 47% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`123456`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1766404800:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 3055195, "timestamp": "2026-01-07T12:00:00+00:00", "type": "rich", "description": "\ud83d\udfe2 **Healthy.** The login expires <t:1768996800:R>.\nVideo jobs of this account stop at <t:1768996800:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Jane Doe"}], "roles": [1456074443980800013]}','sent',1,1767787200000,1767787200000,1,1458429965107200000);
INSERT INTO "messages" VALUES(10,1200000000000000001,1456074443980800008,'3ca4aca8b8c3a8343d4880ba','{"content": "\u2705 MiniMax login Sam Reed (234567) is renewed.", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 3ca4aca8"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1770854400:f> (<t:1770854400:R>)\n\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0\u25b0 100% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`234567`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1768262400:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 3055195, "timestamp": "2026-01-08T00:00:00+00:00", "type": "rich", "description": "\ud83d\udfe2 **Healthy.** The login expires <t:1770854400:R>.", "title": "Sam Reed"}], "roles": []}','sent',1,1767830400000,1767830400000,1,1458611159040000000);
INSERT INTO "messages" VALUES(11,1200000000000000001,1456074443980800008,'a1cbce5b04375721b2a22c4a','{"content": "\ud83d\udd34 MiniMax login Gone Girl (456789) is no longer set up at useapi.net. <@&1456074443980800013>", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 a1cbce5b"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1769385600:f> (<t:1769385600:R>)\n\u25b0\u25b0\u25b0\u25b0\u25b0\u25b1\u25b1\u25b1\u25b1\u25b1 50% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`456789`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1766793600:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 13183530, "timestamp": "2026-01-09T12:00:00+00:00", "type": "rich", "description": "\ud83d\udd34 **Gone.** useapi.net does not list this account any more.", "title": "Gone Girl"}], "roles": [1456074443980800013]}','sent',1,1768089600000,1768089600000,1,1459698322636800000);
INSERT INTO "messages" VALUES(13,1200000000000000001,1456074443980800011,'f4f7d440c68d9d702647af45','{"content": "\u23f0 MiniMax login Jane Doe (123456) expires in 10 days.", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 f4f7d440"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1768996800:f> (<t:1768996800:R>)\n\u25b0\u25b0\u25b0\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1\u25b1 33% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`123456`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1766404800:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 3055195, "timestamp": "2026-01-11T12:00:00+00:00", "type": "rich", "description": "\ud83d\udfe2 **Healthy.** The login expires <t:1768996800:R>.\nVideo jobs of this account stop at <t:1768996800:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Jane Doe"}], "roles": []}','sent',1,1768132800000,1768132800000,1,1459879516569600000);
INSERT INTO "messages" VALUES(15,1200000000000000001,1456074443980800008,'a2574ff7d7e0e69aa736762f','{"content": "\u23f0 MiniMax login Gone Girl (456789) was due to expire 26 January 2026 00:00 UTC, not confirmed for 3 days. <@&1456074443980800013>", "embeds": [{"footer": {"text": "Read from useapi.net \u00b7 a2574ff7"}, "fields": [{"inline": false, "name": "Expires", "value": "<t:1769385600:f> (<t:1769385600:R>)\n\u25b0\u25b0\u25b0\u25b0\u25b0\u25b1\u25b1\u25b1\u25b1\u25b1 47% of its life left"}, {"inline": false, "name": "Capabilities", "value": "\u2705\u00a0Video \u00b7 \u2754\u00a0Chat\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Audio\u00a0(not\u00a0reported) \u00b7 \u2754\u00a0Music\u00a0(not\u00a0reported)"}, {"inline": true, "name": "Account", "value": "`456789`"}, {"inline": true, "name": "Anonymous", "value": "no"}, {"inline": true, "name": "Max jobs", "value": "2"}, {"inline": true, "name": "Issued", "value": "<t:1766793600:d>"}, {"inline": true, "name": "Host", "value": "hailuoai.video"}, {"inline": true, "name": "Token", "value": "`eyJ\u2022\u2022\u2022W5l`"}], "flags": 0, "color": 3055195, "timestamp": "2026-01-09T12:00:00+00:00", "type": "rich", "description": "\ud83d\udfe2 **Healthy.** The login expires <t:1769385600:R>.\nVideo jobs of this account stop at <t:1769385600:f>. [How to renew](https://useapi.net/docs/start-here/setup-minimax).", "title": "Gone Girl"}], "roles": [1456074443980800013]}','sent',1,1768176000000,1768176000000,1,1460060710502400000);
INSERT INTO "messages" VALUES(16,1200000000000000001,1456074443980800008,'0123456789abcdef01234567','{"content": "⏰ it''s due", "embeds": [], "roles": []}','sending',1,1768262400000,1768262400000,1,NULL);
CREATE TABLE targets (
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	failures INTEGER NOT NULL, 
	failing_since BIGINT NOT NULL, 
	next_try_at BIGINT NOT NULL, 
	reason VARCHAR NOT NULL, 
	is_told BOOLEAN NOT NULL, 
	PRIMARY KEY (guild_id, channel_id)
);
INSERT INTO "targets" VALUES(1200000000000000001,1456074443980800012,25,1767225600000,1768284000000,'Discord''s code 50013',0);
CREATE TABLE tokens (
	id INTEGER NOT NULL, 
	account_id VARCHAR NOT NULL, 
	anchor BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	life_seconds BIGINT, 
	before_id BIGINT, 
	PRIMARY KEY (id)
);
INSERT INTO "tokens" VALUES(1,'123456',1768996800000,1768996800000,2592000,NULL);
INSERT INTO "tokens" VALUES(2,'234567',1768003200000,1768003200000,2592000,NULL);
INSERT INTO "tokens" VALUES(3,'345678',1763769600000,1763769600000,2592000,NULL);
INSERT INTO "tokens" VALUES(4,'a/b c',1769817600000,1769817600000,2592000,NULL);
INSERT INTO "tokens" VALUES(5,'456789',1769385600000,1769385600000,2592000,NULL);
INSERT INTO "tokens" VALUES(6,'234567',1770854400000,1770854400000,3024000,2);
CREATE TABLE troubles (
	kind VARCHAR NOT NULL, 
	account_id VARCHAR NOT NULL, 
	bad_passes INTEGER NOT NULL, 
	bad_since BIGINT, 
	good_since BIGINT, 
	episode INTEGER NOT NULL, 
	is_open BOOLEAN NOT NULL, 
	PRIMARY KEY (kind, account_id)
);
INSERT INTO "troubles" VALUES('error','123456',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('error','234567',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('error','345678',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('error','a/b c',15,1767657600000,NULL,1,1);
INSERT INTO "troubles" VALUES('error','456789',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('gone','123456',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('gone','234567',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('gone','345678',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('gone','a/b c',0,NULL,1767225600000,0,0);
INSERT INTO "troubles" VALUES('gone','456789',7,1768003200000,NULL,1,1);
INSERT INTO "troubles" VALUES('blind','',0,NULL,1767225600000,0,0);
CREATE TABLE watches (
	id INTEGER NOT NULL, 
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	channel_name VARCHAR NOT NULL, 
	account_id VARCHAR NOT NULL, 
	days VARCHAR NOT NULL, 
	role_id BIGINT, 
	role_name VARCHAR, 
	added_by BIGINT NOT NULL, 
	added_at BIGINT NOT NULL, 
	look_at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (guild_id, channel_id, account_id)
);
INSERT INTO "watches" VALUES(1,1200000000000000001,1456074443980800008,'pipeline','','14,7,3,1',1456074443980800013,'Ops',1456074443980800009,1767225600000,1768392000000);
INSERT INTO "watches" VALUES(2,1200000000000000001,1456074443980800011,'it''s-other','123456','10,5,1',NULL,NULL,1456074443980800009,1767225600000,1768564800000);
INSERT INTO "watches" VALUES(3,1200000000000000001,1456074443980800011,'it''s-other','a/b c','14,7,3,1',NULL,NULL,1456074443980800009,1767225600000,1768608000000);
INSERT INTO "watches" VALUES(4,1200000000000000001,1456074443980800012,'refuses','234567','14',NULL,NULL,1456074443980800009,1767225600000,1769644800000);
INSERT INTO "watches" VALUES(5,1200000000000000001,1456074443980800012,'refuses','123456','14',NULL,NULL,1456074443980800009,1767225600000,1768996800000);
CREATE INDEX ix_tokens_account_id ON tokens (account_id);
CREATE INDEX ix_watches_look_at ON watches (look_at);
CREATE INDEX watches_by_account ON watches (account_id);
CREATE INDEX messages_by_state ON messages (state, next_try_at);
CREATE INDEX deliveries_by_state ON deliveries (state, channel_id);
CREATE INDEX deliveries_by_message ON deliveries (message_id);
COMMIT;
