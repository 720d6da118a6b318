package console

import "github.com/gofiber/fiber/v2"

func (p *pages) listRoutes(r fiber.Router) {}
