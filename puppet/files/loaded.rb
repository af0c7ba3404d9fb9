# Runs puppet as `puppet WORDS` does, in a copy of a process that has loaded it before:
#
#   ruby --disable-gems loaded.rb SOCKET WORDS
#
# That process is started where none listens at SOCKET, a file in a directory of root's alone. As puppet's agent does, it
# forks for every run. It ends after a while without work, when SOCKET is removed, and when packages of puppet or ruby
# change. Where anything is amiss puppet is started as always.
require 'socket'

IDLE_SECONDS = 600
STREAMS = [STDIN, STDOUT, STDERR].freeze

# The side that was called: its words, streams, directory, variables and umask are puppet's.
class Caller
  def initialize(path, words)
    @path = path
    @words = words
  end

  def run
    connection = connect || start
    exec('puppet', *@words) unless connection && begun?(connection)
    exit(status(connection))
  end

  private

  def connect
    UNIXSocket.new(@path)
  rescue Errno::ENOENT, Errno::ECONNREFUSED
    nil
  end

  def start
    words = ['ruby', __FILE__, '--listen', @path]
    listener = Process.spawn(*words, %i[in out err] => File::NULL, chdir: '/')
    until (connection = connect)
      return nil if Process.waitpid(listener, Process::WNOHANG)

      sleep 0.02
    end
    connection
  end

  def begun?(connection)
    STREAMS.each { |stream| connection.send_io(stream) }
    Marshal.dump({ words: @words, directory: Dir.pwd, variables: ENV.to_h, umask: File.umask }, connection)
    !connection.read(1).nil?
  rescue SystemCallError
    false
  end

  # That of puppet. Where the other side has gone, so has puppet, and it is not begun again.
  def status(connection)
    %w[TERM INT HUP].each { |signal| trap(signal) { connection.write('T') } }
    connection.read(1)&.ord || 137
  rescue SystemCallError
    137
  end
end

# The side that has loaded puppet.
class Listener
  LIBRARIES = %w[
    puppet puppet/util/command_line facter puppet/application/apply puppet/configurer puppet/pops puppet/transaction
    puppet/indirector/catalog/compiler puppet/indirector/node/plain puppet/indirector/facts/facter
    puppet/type/component puppet/type/exec puppet/type/file puppet/type/filebucket puppet/type/group puppet/type/package
    puppet/type/schedule puppet/type/service puppet/type/stage puppet/type/user puppet/type/whit
  ].freeze

  def initialize(path)
    @path = path
  end

  def listen
    Process.setsid
    @loaded = installed
    LIBRARIES.each { |library| require library }
    File.umask(0o077)
    File.unlink(@path) if inode
    server = UNIXServer.new(@path)
    own = inode
    idle = 0
    until idle >= IDLE_SECONDS || inode != own
      if IO.select([server], nil, nil, 5)
        idle = 0
        break unless answer(server.accept)
      else
        idle += 5
      end
    end
    File.unlink(@path) if inode == own
  end

  private

  def inode
    File.stat(@path).ino
  rescue Errno::ENOENT
    nil
  end

  # When packages of puppet and ruby were changed last: what is loaded must not meet other files of theirs.
  def installed
    Dir['/var/lib/dpkg/info/{puppet,facter,hiera,ruby,libruby}*.list'].map { |file| [file, File.mtime(file)] }
  end

  # Whether there is to be another.
  def answer(connection)
    return false if installed != @loaded

    streams = STREAMS.map { connection.recv_io }
    request = Marshal.load(connection)
    ours, lifeline = IO.pipe
    run = fork do
      [connection, lifeline].each(&:close)
      puppet(streams, ours, **request)
    end
    [*streams, ours].each(&:close)
    connection.write('b')
    connection.write(status(run, connection, lifeline).chr)
    true
  rescue SystemCallError, EOFError
    # The caller has gone; what was begun for it has ended.
    true
  ensure
    connection.close
  end

  def puppet(streams, lifeline, words:, directory:, variables:, umask:)
    Process.setpgrp
    # What it has started ends with it, when the listener has ended or lets go.
    Thread.new { lifeline.read; Process.kill('KILL', 0) }
    STREAMS.zip(streams) { |stream, given| stream.reopen(given) }
    Dir.chdir(directory)
    ENV.replace(variables)
    File.umask(umask)
    Process.setproctitle("puppet #{words.join(' ')}")
    ARGV.replace(words)
    Puppet::Util::CommandLine.new('puppet', words).execute
  end

  # Waits for the run, which ends with its caller.
  def status(run, connection, lifeline)
    ended, ending = IO.pipe
    waiting = Thread.new do
      Process.wait(run)
      ending.close
      $?
    end
    until IO.select([ended, connection])[0].include?(ended)
      if connection.read_nonblock(1, exception: false)
        terminate(run)
      else
        lifeline.close
        waiting.join
      end
    end
    found = waiting.value
    found.exitstatus || (128 + found.termsig)
  ensure
    lifeline.close
    ended.close
  end

  def terminate(run)
    Process.kill('TERM', -run)
  rescue Errno::ESRCH
    # It has ended meanwhile.
  end
end

path, *words = ARGV
path == '--listen' ? Listener.new(words.fetch(0)).listen : Caller.new(path, words).run
