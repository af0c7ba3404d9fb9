# Before puppet applies a catalog: writes what it does with services to $services, one action in a line, as systemctl
# names them: `start nova-api`, `enable nova-api`, `stop …`, `disable …`.
require 'json'

catalog = JSON.parse(File.read(Dir[File.join(ENV.fetch('values'), 'var/client_data/catalog/*.json')].fetch(0)))
lines = catalog.fetch('resources').select { |resource| resource['type'] == 'Service' }.flat_map do |resource|
  parameters = resource.fetch('parameters', {})
  name = parameters['name'] || resource['title']
  ensured = { 'running' => 'start', 'true' => 'start', 'stopped' => 'stop', 'false' => 'stop' }[parameters['ensure'].to_s]
  enabled = { 'true' => 'enable', 'false' => 'disable' }[parameters['enable'].to_s]
  [ensured, enabled].compact.map { |action| "#{action} #{name}\n" }
end
file = ENV.fetch('services')
File.write("#{file}.new", lines.uniq.join)
File.rename("#{file}.new", file)
