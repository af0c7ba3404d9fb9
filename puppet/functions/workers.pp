# The processes of an API: a number, or as many as the host has processors.
function stackwright::workers(String $answer) >> Integer {
  $answer ? {
    'auto'  => $facts['processors']['count'],
    default => Integer($answer),
  }
}
