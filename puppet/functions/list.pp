# The entries of a comma-separated answer.
function stackwright::list(String $answer) >> Array[String] {
  $answer.split(',').map |$entry| { strip($entry) }.filter |$entry| { $entry != '' }
}
