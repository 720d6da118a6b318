package console

import "github.com/gofiber/fiber/v2"

func (p *pages) connectRoutes(r fiber.Router) {}
