# Keystone's catalog is to name keystone where puppet's clients log in, and between http and https that changes: they would
# log in, and be sent to where nothing answers any more. With --check nothing is changed, and the status tells.
import json
import sys
import time
import urllib.error
import urllib.request

import yaml

with open('/etc/openstack/puppet/admin-clouds.yaml') as file:
    cloud = yaml.safe_load(file)['clouds']['project']
url = cloud['auth']['auth_url']


def ask(method, path, body=None, token=''):
    data = json.dumps(body).encode() if body else None
    headers = {'Content-Type': 'application/json', 'X-Auth-Token': token}
    request = urllib.request.Request(f'{url}/v3{path}', data, headers, method=method)
    answer = urllib.request.urlopen(request, timeout=60)
    return answer.headers, json.load(answer)


def log_in():
    domain = {'name': cloud['auth']['user_domain_name']}
    user = {'name': cloud['auth']['username'], 'password': cloud['auth']['password'], 'domain': domain}
    identity = {'methods': ['password'], 'password': {'user': user}}
    project = {'name': cloud['auth']['project_name'], 'domain': {'name': cloud['auth']['project_domain_name']}}
    headers, _ = ask('POST', '/auth/tokens', {'auth': {'identity': identity, 'scope': {'project': project}}})
    return headers['X-Subject-Token']


# It may have been started just now.
for last in range(30):
    try:
        token = log_in()
        break
    except urllib.error.HTTPError as error:
        if error.code < 500:
            # Another password is on its way.
            sys.exit(0)
    except OSError:
        pass
    time.sleep(2)
else:
    sys.exit(f'keystone does not answer at {url}')

_, found = ask('GET', '/services?type=identity', token=token)
for service in found['services']:
    _, found = ask('GET', f'/endpoints?service_id={service["id"]}', token=token)
    for endpoint in found['endpoints']:
        if endpoint['region_id'] != cloud['region_name'] or endpoint['url'] == url:
            continue
        if '--check' in sys.argv:
            sys.exit(1)
        ask('PATCH', f'/endpoints/{endpoint["id"]}', {'endpoint': {'url': url}}, token)
