"""A finished run sent to where others find it: what is sent (`product`), and where to (`hub`, `stores`)."""

from pipeline.push.product import Product, Pushed, find_product, push, target_of

__all__ = ["Product", "Pushed", "find_product", "push", "target_of"]
