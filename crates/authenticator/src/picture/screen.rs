//! A screenshot of an X11 screen. (Wayland lets only its portal take one.)

use image::{GrayImage, Luma};
use x11rb::connection::Connection;
use x11rb::image::{Image, PixelLayout};
use x11rb::protocol::xproto::VisualClass;

use super::Grey;

/// Why there is no screenshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    /// No X server there, or it does not let us in.
    #[error("the screen {display} cannot be reached: take a screenshot yourself and give its file")]
    Unreachable {
        /// As it was given.
        display: String,
    },
    /// A palette, or a server that ends in between.
    #[error("the screen cannot be read: take a screenshot yourself and give its file")]
    Unreadable,
}

pub(super) fn grab(display: &str) -> Result<Grey, ScreenError> {
    let unreachable = |_| ScreenError::Unreachable {
        display: display.to_owned(),
    };
    let (connection, number) = x11rb::connect(Some(display)).map_err(unreachable)?;
    let setup = connection.setup();
    let screen = &setup.roots[number];
    let visuals = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals);
    let layout = visuals
        .clone()
        .find(|visual| visual.visual_id == screen.root_visual)
        .filter(|visual| visual.class == VisualClass::TRUE_COLOR)
        .and_then(|visual| PixelLayout::from_visual_type(*visual).ok())
        .ok_or(ScreenError::Unreadable)?;

    let [width, height] = [screen.width_in_pixels, screen.height_in_pixels];
    let (shot, _) = Image::get(&connection, screen.root, 0, 0, width, height).map_err(|_| ScreenError::Unreadable)?;
    let grey = GrayImage::from_fn(width.into(), height.into(), |x, y| {
        let (red, green, blue) = layout.decode(shot.get_pixel(x as u16, y as u16));
        // ITU-R BT.601, of 16 bits a colour
        let grey = (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000;
        Luma([(grey >> 8) as u8])
    });
    Ok(Grey::new(grey))
}
