package console

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"nacre/views/gallery"
	"nacre/views/parts"
)

const pathGallery = "/console/gallery"

// galleryRoutes adds the page for those who work on the console, where the settings ask for it.
func (p *pages) galleryRoutes(r fiber.Router) {
	if p.Settings.ConsoleGallery {
		r.Get(pathGallery, p.signedIn((*visit).gallery))
	}
}

func (v *visit) gallery() error {
	m := gallery.Model{Page: v.frame("Gallery", "")}
	state := v.c.Query("frame")
	if !slices.Contains(gallery.Frames, state) {
		state = gallery.Frames[0]
	}
	for _, f := range gallery.Frames {
		m.Frames = append(m.Frames, parts.Tab{Text: f, Href: pathGallery + "?frame=" + f, Current: f == state})
	}
	gallery.Frame(&m.Page, state)
	return v.render(gallery.Page(m))
}
