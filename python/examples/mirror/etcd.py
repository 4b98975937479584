# SPDX-License-Identifier: Apache-2.0
"""As much of etcd v3 as the mirror needs, by its JSON gateway and nothing but the standard library: get, put, transactions, watch.

Endpoints are host:port or unix:///path/to/socket. One connection per request under way, kept and used again.
"""

import asyncio
import base64
import json


WRITES = 100  # operations in one transaction; etcd takes 128


class EtcdError(Exception):
    """etcd said no, or nothing."""


class Compacted(EtcdError):
    """The revision to watch from is gone: read everything again."""


def encode(text):
    return base64.b64encode(text.encode()).decode()


def decode(text):
    return base64.b64decode(text).decode()


def prefix_end(prefix):
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


class Record:
    __slots__ = ("key", "value", "revision")

    def __init__(self, kv):
        self.key = decode(kv["key"])
        self.value = decode(kv.get("value", ""))
        self.revision = int(kv["mod_revision"])


def put(key, value):
    return {"request_put": {"key": encode(key), "value": encode(value)}}


def delete(key):
    return {"request_delete_range": {"key": encode(key)}}


def value_is(key, value):
    return {"target": "VALUE", "result": "EQUAL", "key": encode(key), "value": encode(value)}


def value_below(key, value):
    return {"target": "VALUE", "result": "LESS", "key": encode(key), "value": encode(value)}


def absent(key):
    return {"target": "CREATE", "result": "EQUAL", "key": encode(key), "create_revision": "0"}


class Etcd:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.idle = []

    async def _connect(self):
        if self.endpoint.startswith("unix://"):
            return await asyncio.open_unix_connection(self.endpoint[len("unix://") :], limit=2**24)
        host, port = self.endpoint.rsplit(":", 1)
        return await asyncio.open_connection(host, int(port), limit=2**24)

    @staticmethod
    async def _send(writer, path, body):
        data = json.dumps(body).encode()
        writer.write(b"POST /v3/%s HTTP/1.1\r\nHost: etcd\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(data)) + data)
        await writer.drain()

    @staticmethod
    async def _head(reader):
        status = int((await reader.readline()).split()[1])
        headers = {}
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        return status, headers

    @staticmethod
    async def _chunks(reader):
        while size := int((await reader.readline()).strip() or b"0", 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readline()

    async def call(self, path, body):
        """One request, one answer."""
        reader, writer = self.idle.pop() if self.idle else await self._connect()
        try:
            await self._send(writer, path, body)
            status, headers = await self._head(reader)
            if "content-length" in headers:
                data = await reader.readexactly(int(headers["content-length"]))
            else:
                data = b"".join([chunk async for chunk in self._chunks(reader)])
        except (OSError, asyncio.IncompleteReadError, IndexError) as error:
            writer.close()
            raise EtcdError(f"{path}: the connection broke: {error}") from error
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        if status != 200:
            raise EtcdError(f"{path}: {status} {data.decode(errors='replace')}")
        return json.loads(data)

    async def get(self, key):
        """(the record or None, the store's revision)"""
        answer = await self.call("kv/range", {"key": encode(key)})
        kvs = answer.get("kvs", [])
        return (Record(kvs[0]) if kvs else None), int(answer["header"]["revision"])

    async def list(self, prefix, page=2000):
        """([every record under prefix], the one revision that they are of)"""
        records, start, revision = [], prefix, 0
        while True:
            body = {"key": encode(start), "range_end": encode(prefix_end(prefix)), "limit": page, "revision": revision}
            answer = await self.call("kv/range", body)
            revision = revision or int(answer["header"]["revision"])
            records += map(Record, answer.get("kvs", []))
            if not answer.get("more"):
                return records, revision
            start = records[-1].key + "\0"

    async def txn(self, compare, success):
        """(whether the comparisons held and success was done, the store's revision)"""
        answer = await self.call("kv/txn", {"compare": compare, "success": success})
        return answer.get("succeeded", False), int(answer["header"]["revision"])

    async def watch(self, prefix, revision):
        """Yields (revision, [(key, value or None when deleted)]) of every change under prefix from revision on. Compacted, EtcdError."""
        reader, writer = await self._connect()
        try:
            create = {"key": encode(prefix), "range_end": encode(prefix_end(prefix)), "start_revision": revision}
            await self._send(writer, "watch", {"create_request": create})
            await self._head(reader)
            pending = b""
            async for chunk in self._chunks(reader):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in filter(None, lines):
                    result = json.loads(line).get("result", {})
                    if result.get("canceled"):
                        raise Compacted(f"canceled: {result}")
                    if events := result.get("events"):
                        yield int(result["header"]["revision"]), [
                            (decode(e["kv"]["key"]), None if e.get("type") == "DELETE" else decode(e["kv"].get("value", ""))) for e in events
                        ]
            raise EtcdError("the watch ended")
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise EtcdError(f"the watch broke: {error}") from error
        finally:
            writer.close()

    def close(self):
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()
