# smoke.py SECONDS HOST…
#
# Asks the services of a cloud as its administrator, with the variables of keystonerc_admin: whether each answers with its
# own data, and whether what works for them on these hosts is up. Prints what answered, or, after these seconds, what does not.
import json
import os
import sys
import time
import urllib.error
import urllib.request

HOSTS = set(sys.argv[2:])
# Type in the catalog: its name for people, a path, where parts of it are listed, and how one of those says that it works.
SERVICES = {
    "image": ("glance", "/v2/images", None, None),
    "placement": ("placement", "/resource_providers", None, None),
    "compute": ("nova", "/os-services", "services", lambda part: part["state"] == "up"),
    "network": ("neutron", "/v2.0/agents", "agents", lambda part: part["alive"]),
    "volumev3": ("cinder", "/os-services", "services", lambda part: part["state"] == "up"),
    "object-store": ("swift", "", None, None),
    "orchestration": ("heat", "/stacks", None, None),
}


def ask(url, token=None, body=None):
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if token:
        headers["X-Auth-Token"] = token
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
            return answer.headers, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise OSError(f"{url} answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise OSError(f"{url}: {error.reason}") from None


def log_in():
    variables = os.environ
    user = {
        "name": variables["OS_USERNAME"],
        "password": variables["OS_PASSWORD"],
        "domain": {"name": variables["OS_USER_DOMAIN_NAME"]},
    }
    project = {"name": variables["OS_PROJECT_NAME"], "domain": {"name": variables["OS_PROJECT_DOMAIN_NAME"]}}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": project}}}
    headers, answer = ask(variables["OS_AUTH_URL"] + "/auth/tokens", body=body)
    return headers["X-Subject-Token"], answer["token"]["catalog"]


def problems_of(name, url, listed, works, token):
    _, answer = ask(url, token)
    parts = answer[listed] if listed else []
    # A part of cinder is on a back end of its host: `host@nfs`.
    own = [part for part in parts if part["host"].split("@")[0] in HOSTS and part.get("status") != "disabled"]
    return [f"{name}: {part['binary']} on {part['host']} is not up" for part in own if not works(part)]


def look():
    """What has answered, and what is wrong."""
    try:
        token, catalog = log_in()
    except OSError as error:
        return [], [f"keystone: {error}"]
    answered, problems = ["keystone"], []
    for service in catalog:
        if service["type"] not in SERVICES:
            continue
        name, path, listed, works = SERVICES[service["type"]]
        urls = [one["url"] for one in service["endpoints"] if one["interface"] == "public"]
        for url in urls:
            try:
                problems += problems_of(name, url.rstrip("/") + path, listed, works, token)
                answered.append(name)
            except OSError as error:
                problems.append(f"{name}: {error}")
    return answered, problems


deadline = time.monotonic() + int(sys.argv[1])
while True:
    answered, problems = look()
    if not problems:
        print(" ".join(answered))
        break
    if time.monotonic() > deadline:
        print("\n".join(problems))
        sys.exit(1)
    time.sleep(2)
