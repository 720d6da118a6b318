package console_test

import (
	"net/url"
	"testing"

	"nacre/server/servertest"
	"nacre/server/settings"
	"nacre/views/gallery"
)

func TestTheGalleryIsServedWhereItIsAskedFor(t *testing.T) {
	signedIn(t).get("/console/gallery").is(404)
	s := signedIn(t, servertest.With(func(set *settings.Settings) { set.ConsoleGallery = true }))
	for _, state := range append([]string{"", "no such state"}, gallery.Frames...) {
		s.get("/console/gallery?"+url.Values{"frame": {state}}.Encode()).is(200, "Every part in every state")
	}
}
