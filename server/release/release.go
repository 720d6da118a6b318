// Package release says which Nacre this is.
package release

import (
	"runtime"
	"runtime/debug"
)

// Version is the version of this source tree.
const Version = "0.1.0-dev"

// Info is what is known of how the running binary was built.
type Info struct {
	Version string
	// Commit is the revision it was built from, with "+changes" behind it when the tree differed; ""
	// when the build did not say.
	Commit string
	// Go is the version of the Go compiler, Platform the system and processor.
	Go, Platform string
}

// Get returns what is known of the running binary.
func Get() Info {
	i := Info{Version: Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return i
	}
	var changed bool
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.modified":
			changed = s.Value == "true"
		}
	}
	if changed && i.Commit != "" {
		i.Commit += "+changes"
	}
	return i
}
