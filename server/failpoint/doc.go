// Package failpoint lets fault runs stop, slow or fail a node at named places.
//
// Without the build tag "failpoint" Inject compiles to nothing. With it, the environment variable
// NACRE_FAILPOINTS says what happens where, as in
//
//	NACRE_FAILPOINTS="replica/after-log-write=exit@17,replica/before-image-write=sleep:100ms"
//
// A point's action is one of exit (the process ends at once, as by SIGKILL), panic, error (Inject
// returns one) and sleep:DURATION. With @N only the N-th time the point is passed counts, with %N each
// N-th, without either each time does.
//
// Points whose name begins with "bug/" are errors put in on purpose: e2e/torture sees whether it finds them.
package failpoint
