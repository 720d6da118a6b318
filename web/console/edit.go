package console

import "github.com/gofiber/fiber/v2"

func (p *pages) editRoutes(r fiber.Router) {}
