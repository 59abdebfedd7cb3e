package postgres

import "time"

// OpenPatient is [Open] with so much more time for each part of a call. It is for tests of what calls do, for a
// machine that runs many tests may stand still for seconds.
func OpenPatient(o Options, more time.Duration) (*Store, error) { return open(o, nil, more) }
